"""Reading: documents in files, folders, archives and databases, streamed."""
