"""Route tables: priority-ordered rectangles, and paths traded for fit where they do not."""
