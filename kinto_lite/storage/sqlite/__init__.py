"""The SQLite engine, through APSW: one file, write-ahead log, every commit synced to disk."""
