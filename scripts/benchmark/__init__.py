"""Compares kinto-lite with PocketBase and Kinto on the same machine, in interleaved rounds.

`program` is the command line. `installation` fetches the peers, `peers` starts them, `kinto_api`
and `pocketbase_api` fill them and know which requests mean the same on each. `rounds` runs one
measurement after the other with `wrk`, `processes` reads CPU and memory from /proc, `limits` says
what disk and bare server can do, `report` and `page` write the tables.
"""
