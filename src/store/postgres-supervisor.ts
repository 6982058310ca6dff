/** Exit status of the supervisor when another server holds the cluster (EX_TEMPFAIL). */
export const exitInUse = 75;

/**
 * The shell that stands between us and the server, so that the server never outlives us: its standard input is a pipe
 * whose other end only we hold. However we end (kill -9, too), the kernel closes it, and the server gets the signal
 * of a fast shutdown. In a session of its own (setsid), Ctrl-C in a terminal does not reach the server while we drain.
 *
 * The lock file is held by the shell, the server and every child of it (they inherit descriptor 9). Who gets the lock
 * knows that nobody of the former owner lives, also behind another PID namespace (two pods on one volume), where the
 * PID in postmaster.pid says nothing or names somebody else. So then that file is stale. Without flock(1), e.g. on
 * macOS, PostgreSQL's own check of postmaster.pid stands alone.
 *
 * Arguments: lock file, data directory, then the command. Prints the server's PID.
 */
export const supervisorScript = `
trap '' HUP INT TERM
lock=$1 data=$2
shift 2
if command -v flock >/dev/null 2>&1; then
  exec 9>>"$lock"
  flock -n 9
  case $? in
    0) if read -r stale <"$data/postmaster.pid" && read -r name <"/proc/$stale/comm" && [ "$name" = postgres ]
       then : # somebody runs the cluster by hand: leave it to the server to refuse
       else rm -f "$data/postmaster.pid"
       fi 2>/dev/null ;;
    1) exit ${exitInUse} ;;
  esac
fi
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
{ while read -r line; do :; done; kill -INT "$server"; } <&3 9>&- 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill -KILL "$watcher" 2>/dev/null
exit "$status"
`;
