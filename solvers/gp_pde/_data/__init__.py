"""What is known of a solution: equation, boundary data, measurements."""
