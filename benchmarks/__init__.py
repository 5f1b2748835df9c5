"""What is measured, each figure beside the limit or the rival of the same run; results/ keeps the last ones."""
