import { tlv } from '../../src/encoding/der-writer.ts';

/** A DER element that can be taken apart and put together again, right or wrong: the lengths are always right. */
export interface TlvNode {
  tag: number;
  /** Of a constructed element, and of an OCTET STRING or BIT STRING whose content is DER itself. */
  children: TlvNode[] | undefined;
  /** Before the children: the count of unused bits of a BIT STRING. */
  prefix: Buffer;
  content: Buffer;
}

const octetString = 0x04;
const bitString = 0x03;
const none = Buffer.alloc(0);

/** The elements of `bytes`; undefined when it is not a row of whole elements. */
export function parseTlv(bytes: Buffer, depth = 0): TlvNode[] | undefined {
  const nodes: TlvNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const node = parseOne(bytes, at, depth);
    if (node === undefined) return undefined;
    nodes.push(node.node);
    at = node.end;
  }
  return nodes;
}

function parseOne(bytes: Buffer, at: number, depth: number): { node: TlvNode; end: number } | undefined {
  const tag = bytes[at] ?? 0;
  const first = bytes[at + 1] ?? 0;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || octets > 3 || at + 2 + octets > bytes.length) return undefined;
  const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets);
  const end = at + 2 + octets + length;
  if (end > bytes.length || depth > 40) return undefined;
  const content = bytes.subarray(at + 2 + octets, end);
  const skip = tag === bitString && content[0] === 0 ? 1 : 0;
  const holds = (tag & 0x20) !== 0 || (content.length > 2 && (tag === octetString || skip === 1));
  const children = holds ? parseTlv(content.subarray(skip), depth + 1) : undefined;
  const prefix = children === undefined ? none : content.subarray(0, skip);
  return { node: { tag, children, prefix, content }, end };
}

export function encodeTlv({ tag, children, prefix, content }: TlvNode): Buffer {
  return tlv(tag, prefix, ...(children === undefined ? [content] : children.map(encodeTlv)));
}

/** Every list of siblings in the tree, its own first. */
export function siblingLists(nodes: TlvNode[]): TlvNode[][] {
  return [nodes, ...nodes.flatMap(({ children }) => (children === undefined ? [] : siblingLists(children)))];
}
