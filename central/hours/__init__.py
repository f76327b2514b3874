"""Opening hours: by plan and weekday, with the holidays and make-up days of the calendar."""
