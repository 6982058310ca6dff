import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswerReader, longestAnswerOctets } from '../../../src/enforcement/probe/http-answer.ts';

function push(...parts: readonly string[]) {
  const reader = createAnswerReader();
  const states = parts.map((part) => reader.push(Buffer.from(part, 'latin1')));
  return { states, answer: reader.answer };
}

test('status and headers are enough of an answer that is no refusal', () => {
  const { states, answer } = push('HTTP/1.1 308 Permanent Redirect\r\nLocation:  https://a/ \r\n', '\r\n');
  assert.deepEqual(states, ['more', 'done']);
  assert.equal(answer?.status, 308);
  assert.equal(answer?.headers.get('location'), 'https://a/');
});

test('of a refusal the body is read to its end', () => {
  const head = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\n';
  assert.deepEqual(push(head, 'abc', 'def').states, ['more', 'more', 'done']);
  const chunked = 'HTTP/1.1 403\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
  const { states, answer } = push(chunked, '0\r\n\r\n');
  assert.deepEqual(states, ['more', 'done']);
  assert.match(answer?.body ?? '', /abc/);
});

test('a body without a stated end goes on until the connection does', () => {
  const { states, answer } = push('HTTP/1.0 404 Not Found\r\n\r\n', 'gone');
  assert.deepEqual(states, ['more', 'more']);
  assert.equal(answer?.body, 'gone');
});

test('interim responses are passed over, in one piece or octet by octet', () => {
  const text = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nDate: d\r\n\r\n';
  assert.equal(push(text).answer?.status, 204);
  const slowly = push(...text);
  assert.equal(slowly.states.at(-1), 'done');
  assert.equal(slowly.answer?.headers.get('date'), 'd');
  assert.equal(slowly.answer?.headers.get('link'), undefined);
});

test('the first of repeated headers counts, and lines without a name are passed over', () => {
  const { answer } = push('HTTP/1.1 302 Found\r\nLocation: one\r\nlocation: two\r\n: x\r\nnothing\r\n\r\n');
  assert.deepEqual([...(answer?.headers ?? [])], [['location', 'one']]);
});

test('what is no HTTP/1.1 is malformed at once', () => {
  for (const text of [
    'SSH-2.0-OpenSSH',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 OK\r\n\r\n',
    'HTTP/1.1 99\r\n\r\n',
    '\x15\x03\x01',
  ])
    assert.deepEqual(push(text).states, ['malformed'], text);
});

test('headers without end are given up, and a long body is cut', () => {
  const endless = `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(longestAnswerOctets)}`;
  assert.deepEqual(push(endless).states, ['malformed']);
  const { states, answer } = push('HTTP/1.1 500 Oops\r\n\r\n', 'x'.repeat(longestAnswerOctets * 2));
  assert.deepEqual(states, ['more', 'done']);
  assert.ok((answer?.body.length ?? 0) < longestAnswerOctets);
});
