"""What is said to whole wards: at once or timed, once or daily; and how loud, by time of day."""
