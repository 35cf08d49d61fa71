"""Where each tool stores its prompts on each system; nothing is read from disk.

Sources are named, not imported: all importers together take as long to import as a
search of the whole computer.
"""
