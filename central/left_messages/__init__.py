"""What callers left in menus: kept, heard at the service desk and marked as done."""
