"""A Modbus client in C on Debian's libmodbus: it shares no code with ours. Built at test time."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from parts.processes import missing, require_program

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = r"""
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* client tcp HOST PORT | rtu DEVICE BAUD  UNIT TABLE ADDRESS COUNT: prints the words read */
int main(int argc, char **argv) {
    if (argc != 8) return 64;
    modbus_t *line = strcmp(argv[1], "tcp") == 0
        ? modbus_new_tcp(argv[2], atoi(argv[3]))
        : modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1);
    int address = atoi(argv[6]), count = atoi(argv[7]), got = -1;
    uint16_t words[2000] = {0};
    uint8_t bits[2000] = {0};
    modbus_set_response_timeout(line, 20, 0);
    modbus_set_slave(line, atoi(argv[4]));
    if (modbus_connect(line) == 0) switch (argv[5][0]) {
        case 'c': got = modbus_read_bits(line, address, count, bits); break;
        case 'd': got = modbus_read_input_bits(line, address, count, bits); break;
        case 'h': got = modbus_read_registers(line, address, count, words); break;
        case 'i': got = modbus_read_input_registers(line, address, count, words); break;
    }
    if (got == -1) printf("%s\n", modbus_strerror(errno));
    else for (int i = 0; i < got; i++) printf("%d ", words[i] | bits[i]);
    modbus_close(line);
    modbus_free(line);
    return got == -1;
}
"""


def libmodbus_client(directory: Path) -> Path:
    """The client's program, built in `directory`; the test is skipped without cc or libmodbus."""
    source, program = directory / "client.c", directory / "client"
    source.write_text(SOURCE)
    command = [require_program("cc"), "-o", str(program), str(source), "-lmodbus"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if "modbus/modbus.h: No such file" in built.stderr:
        missing("libmodbus-dev is not installed")
    assert built.returncode == 0, built.stderr
    return program
