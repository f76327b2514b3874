"""A hospital set up from one spreadsheet: wards, boxes, beds with their units, telephones."""
