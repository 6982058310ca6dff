import { tlv } from '../encoding/der-writer.ts';
import { attributeLabel } from './attribute-types.ts';
import { encodeString } from './directory-string.ts';
import { isText } from './existing-name.ts';
import type { AttributeTypeAndValue, Name } from './name.ts';

/**
 * RFC 4514 text as OpenSSL prints it with `-nameopt RFC2253`, and so what nginx gives in `ssl-client-subject-dn`:
 * last RDN first, control characters and bytes outside of ASCII as `\XX`, unknown attributes and what is no text as `OID=#<hex of the DER>`.
 */
export function formatName(name: Name): string {
  // OpenSSL walks the whole list backwards, so the members of a multi-valued RDN come out reversed too.
  return name.rdns
    .map((rdn) => rdn.map(formatAttribute).reverse().join('+'))
    .reverse()
    .join(',');
}

function formatAttribute(attribute: AttributeTypeAndValue): string {
  const label = attributeLabel(attribute.type);
  if (label !== attribute.type && isText(attribute)) return `${label}=${escapeValue(attribute.value)}`;
  const der = tlv(attribute.stringTag, encodeString(attribute.stringTag, attribute.value));
  return `${label}=#${der.toString('hex').toUpperCase()}`;
}

/** RFC 4514 section 2.4. Values without anything to escape, nearly all of them, pass untouched. */
function escapeValue(value: string): string {
  return value
    .replace(/[,+"\\<>;]|^[# ]| $/g, '\\$&')
    .replace(/[^\x20-\x7e]+/g, (text) =>
      Buffer.from(text).toString('hex').toUpperCase().replace(/../g, '\\$&'),
    );
}
