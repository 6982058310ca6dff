import { type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { encodePem } from '../../src/encoding/pem.ts';
import { assembleSigned } from '../../src/x509/certificate-template.ts';
import { readCertificationRequest } from '../../src/x509/certification-request.ts';
import { encodeTlv, parseTlv, siblingLists, type TlvNode } from '../support/tlv-tree.ts';

/** A CSR that is right, to be made wrong. */
export interface RealCsr {
  readonly der: Buffer;
  readonly privateKey: KeyObject;
}

/** Nothing that anybody would call a CSR: bytes, text, and DER of any shape. */
export function arbitraryInput(): fc.Arbitrary<Buffer> {
  const bytes = fc.uint8Array({ maxLength: 400, size: 'max' }).map((octets) => Buffer.from(octets));
  const { tree } = fc.letrec<{ tree: Buffer }>((tie) => ({
    tree: fc
      .tuple(
        fc.constantFrom(0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0xa0, 0xa3, 0x80),
        fc.oneof(
          { depthSize: 'medium', withCrossShrink: true },
          fc.uint8Array({ maxLength: 20 }).map((octets) => Buffer.from(octets)),
          fc.array(tie('tree'), { maxLength: 5 }).map((parts) => Buffer.concat(parts)),
        ),
      )
      .map(([tag, content]) => encodeTlv({ tag, children: undefined, prefix: Buffer.alloc(0), content })),
  }));
  const label = fc.constantFrom('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST', 'CERTIFICATE', 'X', '');
  return fc.oneof(
    bytes,
    tree,
    fc.string({ maxLength: 300, unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.tuple(label, fc.oneof(bytes, tree)).map(([name, der]) => Buffer.from(encodePem(name, der))),
  );
}

const edits = ['flip', 'set', 'insert', 'delete', 'copy', 'truncate'] as const;
/** Octets that change in place leave the lengths right, and so get further. */
const mostlyInPlace = ['flip', 'flip', 'flip', 'set', 'set', ...edits] as const;

/** A few octets changed, put in, taken out or copied elsewhere; or the end cut off. */
export function editedBytes(originals: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    kind: fc.constantFrom(...mostlyInPlace),
    at: fc.nat(0xffff),
    from: fc.nat(0xffff),
    length: fc.integer({ min: 1, max: 40 }),
    value: fc.nat(255),
  });
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([original, list]) => list.reduce(applyEdit, original));
}

function applyEdit(
  bytes: Buffer,
  edit: { kind: (typeof edits)[number]; at: number; from: number; length: number; value: number },
): Buffer {
  const at = edit.at % (bytes.length + 1);
  const from = edit.from % (bytes.length + 1);
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (edit.kind) {
    case 'flip':
      return Buffer.concat([head, Buffer.from([(tail[0] ?? 0) ^ (1 << (edit.value & 7))]), tail.subarray(1)]);
    case 'set':
      return Buffer.concat([head, Buffer.from([edit.value]), tail.subarray(1)]);
    case 'insert':
      return Buffer.concat([head, Buffer.alloc(edit.length, edit.value), tail]);
    case 'delete':
      return Buffer.concat([head, tail.subarray(edit.length)]);
    case 'copy':
      return Buffer.concat([head, bytes.subarray(from, from + edit.length), tail]);
    case 'truncate':
      return head;
  }
}

const changes = ['remove', 'repeat', 'retag', 'fill', 'edit', 'wrap', 'swap', 'empty'] as const;

/**
 * What a CSR says changed element by element, every length right, and signed again: this gets past the parser's first
 * checks and past the signature.
 */
export function resigned(originals: readonly RealCsr[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    kind: fc.constantFrom(...changes),
    list: fc.nat(0xffff),
    at: fc.nat(0xffff),
    other: fc.nat(0xffff),
    value: fc.nat(255),
    bytes: fc.uint8Array({ maxLength: 24 }),
    times: fc.integer({ min: 1, max: 40 }),
  });
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([original, list]) => {
      const { tbs, signatureAlgorithm } = readCertificationRequest(original.der);
      const tree = parseTlv(Buffer.from(tbs)) ?? [];
      for (const one of list) applyChange(tree, one);
      const changed = Buffer.concat(tree.map(encodeTlv));
      const digest = original.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      return assembleSigned(changed, signatureAlgorithm, sign(digest, changed, original.privateKey));
    });
}

interface Change {
  readonly kind: (typeof changes)[number];
  readonly list: number;
  readonly at: number;
  readonly other: number;
  readonly value: number;
  readonly bytes: Uint8Array;
  readonly times: number;
}

function applyChange(tree: TlvNode[], change: Change): void {
  const lists = siblingLists(tree).filter((list) => list.length > 0);
  const list = lists[change.list % lists.length];
  const at = change.at % (list?.length ?? 1);
  const node = list?.[at];
  if (list === undefined || node === undefined) return;
  switch (change.kind) {
    case 'remove':
      list.splice(at, 1);
      return;
    case 'repeat':
      list.splice(at, 0, ...Array.from({ length: change.times }, () => structuredNode(node)));
      return;
    case 'swap': {
      const others = lists[change.other % lists.length] ?? list;
      const index = change.value % others.length;
      const other = others[index];
      if (other === undefined) return;
      // Copies, so that an element never comes to hold itself.
      [list[at], others[index]] = [structuredNode(other), structuredNode(node)];
      return;
    }
    default:
      list[at] = changedNode(node, change);
  }
}

function changedNode(node: TlvNode, { kind, at, value, bytes, times }: Change): TlvNode {
  const leaf = { tag: node.tag, children: undefined, prefix: Buffer.alloc(0) };
  switch (kind) {
    case 'retag':
      return { ...node, tag: value };
    case 'fill':
      return { ...leaf, content: Buffer.from(bytes) };
    case 'edit': {
      const content = Buffer.from(node.content);
      if (content.length > 0) content[at % content.length] = value;
      return { ...leaf, content };
    }
    case 'wrap': {
      let wrapped = encodeTlv(node);
      for (let level = 0; level < times; level++)
        wrapped = encodeTlv({ ...leaf, tag: 0x30, content: wrapped });
      return { ...leaf, tag: 0x30, content: wrapped };
    }
    default:
      return { ...leaf, content: Buffer.alloc(0) };
  }
}

function structuredNode(node: TlvNode): TlvNode {
  return parseTlv(encodeTlv(node))?.[0] ?? node;
}
