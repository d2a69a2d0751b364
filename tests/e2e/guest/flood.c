/* SPDX-License-Identifier: GPL-2.0-or-later */

/* usage: flood INDEX COUNT: send so many vendor commands to a controller by a raw socket. Each is
 * answered, and the answers go to whoever holds the user channel. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

int main(int argc, char **argv)
{
	static const unsigned char command[] = { HCI_COMMAND_PKT, 0x7f, 0xfc, 0x00 };
	struct sockaddr_hci address = { .hci_family = AF_BLUETOOTH };
	int fd = socket(AF_BLUETOOTH, SOCK_RAW, BTPROTO_HCI);
	long left;

	if (argc != 3)
		return 64;
	address.hci_dev = (unsigned short)strtol(argv[1], NULL, 10);
	left = strtol(argv[2], NULL, 10);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("flood");
		return 1;
	}
	while (left > 0) {
		if (write(fd, command, sizeof(command)) == sizeof(command))
			left--;
		else
			usleep(1000);
	}
	return 0;
}
