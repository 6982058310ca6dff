/** An entity tag (RFC 9110 8.8.3). A weak one says: the same in meaning, not in every octet. */
export interface EntityTag {
  /** Without quotes. */
  readonly value: string;
  readonly weak: boolean;
}

export function formatEntityTag({ value, weak }: EntityTag): string {
  return weak ? `W/"${value}"` : `"${value}"`;
}

const listed = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

/** The tags of an If-Match or If-None-Match field; `'*'` stands for any. What is no tag is passed over. */
export function parseEntityTags(field: string): '*' | EntityTag[] {
  if (field.trim() === '*') return '*';
  return [...field.matchAll(listed)].map(([, weak, value = '']) => ({ value, weak: weak !== undefined }));
}

/** The strong comparison (RFC 9110 8.8.3.2): the same octets. */
export function sameOctets(one: EntityTag, other: EntityTag): boolean {
  return !one.weak && !other.weak && one.value === other.value;
}

/** The weak comparison (RFC 9110 8.8.3.2): the same to whoever uses it. */
export function sameMeaning(one: EntityTag, other: EntityTag): boolean {
  return one.value === other.value;
}
