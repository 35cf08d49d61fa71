"""`categorize`: proposals for folders and tags, by rules and by a model."""
