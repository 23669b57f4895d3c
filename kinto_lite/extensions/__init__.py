"""What settings name and others may have written: plugins, generators of ids, listeners. Each is
imported here, when it is named, and nowhere else."""
