/** `StartRequest { process { cmd, args } }` in its envelope. */
export function startRequest(command: string, [cmd, ...args]: readonly string[] = ['/bin/bash', '-l', '-c']): Buffer {
  const config = Buffer.concat([text(1, cmd), ...args.map((arg) => text(2, arg)), text(2, command)]);
  const message = field(1, config);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value));
}

function field(number: number, value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; ; rest = Math.floor(rest / 128)) {
    length.push((rest % 128) + (rest >= 128 ? 128 : 0));
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), value]);
}
