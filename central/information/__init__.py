"""What the hospital tells everybody, by telephone and on a public page: experts, the hospital,
insurance, medicines, health advice."""
