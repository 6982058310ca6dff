import { writeFileSync } from 'node:fs';
import { configurationDocument } from './document.ts';

// `npm run docs:configuration`: writes the file that the drift test compares.
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationDocument());
