"""The tags that Cochl.Sense is publicly known to have, and what each means in AudioSet's 527 classes (tags.json)."""
