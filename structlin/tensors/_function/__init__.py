"""What functions of several variables are and do: one file for each subject."""
