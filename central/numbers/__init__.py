"""The numbers plan: every number of the house in order, from what the dial plan is made of."""
