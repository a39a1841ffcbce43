"""What happens. Joins safety and drivers: the scan loop, and the work of the people around it."""
