/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the 16550 UART (National Semiconductor PC16550D data sheet, "Registers"). */
#pragma once

#define UART_BAUD_MAX 115200u

/* Offsets from the base port. */
#define UART_RBR 0 /* read: receive buffer */
#define UART_THR 0 /* write: transmit holding */
#define UART_DLL 0 /* with DLAB: divisor, low */
#define UART_IER 1 /* interrupt enable */
#define UART_DLM 1 /* with DLAB: divisor, high */
#define UART_IIR 2 /* read: interrupt identification */
#define UART_FCR 2 /* write: FIFO control */
#define UART_LCR 3 /* line control */
#define UART_MCR 4 /* modem control */
#define UART_LSR 5 /* line status */
#define UART_MSR 6 /* modem status */
#define UART_SCR 7 /* scratch */

#define UART_IER_RX   0x01 /* data available, or the FIFO's timeout */
#define UART_IER_TX   0x02 /* transmit holding register empty */
#define UART_IER_LINE 0x04 /* line status */

#define UART_IIR_NONE    0x01
#define UART_IIR_ID_MASK 0x0e

#define UART_FCR_ENABLE   0x01
#define UART_FCR_CLEAR_RX 0x02
#define UART_FCR_CLEAR_TX 0x04
#define UART_FCR_RX_8     0x80 /* interrupt at 8 bytes */

#define UART_LCR_8N1  0x03
#define UART_LCR_DLAB 0x80

#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT2 0x08 /* gates the interrupt line on a PC */

#define UART_LSR_DR   0x01
#define UART_LSR_OE   0x02
#define UART_LSR_THRE 0x20
#define UART_LSR_TEMT 0x40

#define UART_FIFO_SIZE 16
