import { wholeMessage } from './programs/http-messages';

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

describe("the end of a message on the bench's raw sockets", () => {
  it('is the end of the headers where no body is announced', () => {
    expect(wholeMessage(request)?.length).toBe(request.length);
    expect(wholeMessage(request.slice(0, -1))).toBeUndefined();
  });

  it('comes after as many bytes as announced, whatever follows', () => {
    expect(wholeMessage(`${plain}HTTP/1.1`)?.length).toBe(plain.length);
    expect(wholeMessage(plain.slice(0, -1))).toBeUndefined();
  });

  it('is the last chunk, not the end of the headers or of another chunk', () => {
    expect(wholeMessage(chunked)).toBeUndefined();
    expect(wholeMessage(`${chunked}2\r\nhi\r\n`)).toBeUndefined();
    expect(wholeMessage(`${chunked}2\r\nhi\r\n0\r\n\r\n`)).toBeDefined();
  });
});
