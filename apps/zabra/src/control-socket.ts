import { createHash } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a command asks of the supervisor. One line of JSON each way, then the connection ends. */
export interface ControlRequest {
  readonly command: 'restart';
  readonly id: number;
}
export type ControlReply =
  | { readonly ok: true; readonly line: string }
  | { readonly ok: false; readonly line: string };

/** A socket's path has about 100 bytes, so it can't stand in the ensemble's directory, which may be anywhere. */
export function controlPath(directory: string): string {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `zabra-${hash}.sock`);
}

/**
 * Listens as this directory's only supervisor: undefined when another one does. A socket that a killed supervisor
 * left behind is taken over.
 */
export async function listenForControl(
  path: string,
  answer: (request: ControlRequest) => Promise<ControlReply>,
): Promise<Server | undefined> {
  if (await isAnswering(path)) return undefined;
  const server = createServer((socket) => serve(socket, answer));
  try {
    await listen(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await isAnswering(path)) return undefined;
    unlinkSync(path);
    await listen(server, path);
  }
  return server;
}

export async function isAnswering(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

/** Rejects when nobody listens there, or the supervisor ends before it answers. */
export async function askSupervisor(path: string, request: ControlRequest): Promise<ControlReply> {
  const socket = connect(path);
  socket.write(`${JSON.stringify(request)}\n`);
  const line = await readLine(socket);
  socket.destroy();
  return JSON.parse(line) as ControlReply;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is made in this very call, readable and writable for its owner alone.
    const mask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });
}

async function serve(
  socket: Socket,
  answer: (request: ControlRequest) => Promise<ControlReply>,
): Promise<void> {
  try {
    const request = JSON.parse(await readLine(socket)) as ControlRequest;
    socket.end(`${JSON.stringify(await answer(request))}\n`);
  } catch (error) {
    // Somebody who only looked whether we answer, or went away; it is told if it still listens.
    socket.on('error', () => undefined);
    socket.end(`${JSON.stringify({ ok: false, line: (error as Error).message })}\n`);
  }
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\n');
      if (end >= 0) resolve(received.slice(0, end));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection ended without an answer')));
  });
}
