"""From the bytes of a file to passages, in processes with limits."""
