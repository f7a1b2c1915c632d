"""What the commands share: progress, checks, examples, pictures in a terminal."""
