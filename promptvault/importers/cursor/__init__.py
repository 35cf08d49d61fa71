"""Cursor: state databases, agent transcripts, exports."""
