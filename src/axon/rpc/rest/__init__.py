"""Questions over plain HTTP (`-rest`): `/rest/...` on the port of the calls, without a password."""
