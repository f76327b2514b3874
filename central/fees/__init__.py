"""What a stay costs, and how much of it insurance is likely to pay."""
