/** `StartRequest` in its envelope, as e2b 2.0.0 sends it. */
export function startRequest(command: string, [cmd, ...args]: readonly string[] = ['/bin/bash', '-l', '-c']): Buffer {
  return enveloped(Buffer.from(JSON.stringify({ process: { cmd, args: [...args, command] } }, null, 2)));
}

export function enveloped(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
