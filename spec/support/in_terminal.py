# SPDX-License-Identifier: MIT
# in_terminal.py COLUMNS WHEN KEYS COMMAND...: runs a command in a terminal of its own. Once its output holds WHEN ("" for
# never), types each of KEYS in turn, half a second apart. Copies the output to stdout and answers the command's exit
# code, as shells write it.
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

columns, when, keys = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[4], sys.argv[4:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
output, type_at = b"", None
while True:
    if select.select([terminal], [], [], 0.05)[0]:
        try:
            octets = os.read(terminal, 65536)
        except OSError:
            break
        if not octets:
            break
        output += octets
    if when and when in output and type_at is None:
        type_at = time.monotonic()
    if type_at is not None and keys and time.monotonic() >= type_at:
        os.write(terminal, keys[:1])
        keys, type_at = keys[1:], time.monotonic() + 0.5
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(output)
sys.stdout.flush()
sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
