"""Tasks of Cline and its forks Roo and Kilo."""
