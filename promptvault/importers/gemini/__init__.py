"""Google's exports: Takeout, AI Studio, Gemini CLI."""
