"""Many answers -> one table: what a transform job left in S3, or a folder of it."""
