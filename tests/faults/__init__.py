"""Tests of the whole program under faults: processes, disks and files that fail."""
