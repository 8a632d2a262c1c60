"""A Modbus slave in C on Debian's libmodbus: it shares no code with ours. Built at test time."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

from parts.processes import missing, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = r"""
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* server tcp PORT | rtu DEVICE BAUD PARITY: unit 1; holding n says 1000 + n, input n says 2000 + n,
   coil n and discrete n are on where n is odd; 200 of each. Prints a line when it can be asked. */
int main(int argc, char **argv) {
    if (argc < 3) return 64;
    int tcp = strcmp(argv[1], "tcp") == 0;
    modbus_t *line = tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2]))
                         : modbus_new_rtu(argv[2], atoi(argv[3]), argv[4][0], 8, 1);
    modbus_mapping_t *said = modbus_mapping_new(200, 200, 200, 200);
    for (int n = 0; n < 200; n++) {
        said->tab_registers[n] = 1000 + n;
        said->tab_input_registers[n] = 2000 + n;
        said->tab_bits[n] = said->tab_input_bits[n] = n % 2;
    }
    modbus_set_slave(line, 1);
    int listening = tcp ? modbus_tcp_listen(line, 1) : 0;
    if (listening == -1 || (!tcp && modbus_connect(line) == -1)) return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (tcp && modbus_tcp_accept(line, &listening) == -1) return 1;
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        for (;;) {
            int length = modbus_receive(line, query);
            if (length > 0) modbus_reply(line, query, length, said);
            else if (length == -1 && tcp) break;
        }
    }
}
"""


@contextlib.contextmanager
def libmodbus_server(directory: Path, *arguments: str | int | Path) -> Iterator[None]:
    """The slave, answering; the test is skipped without cc or libmodbus."""
    source, program = directory / "server.c", directory / "server"
    source.write_text(SOURCE)
    command = [require_program("cc"), "-o", str(program), str(source), "-lmodbus"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if "modbus/modbus.h: No such file" in built.stderr:
        missing("libmodbus-dev is not installed")
    assert built.returncode == 0, built.stderr
    running = [str(program), *map(str, arguments)]
    with subprocess.Popen(running, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()
