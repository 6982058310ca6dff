import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { settings } from '../../src/config/catalogue.ts';
import { configurationDocument } from '../../src/config/document.ts';

test('docs/configuration.md is what the schema says (npm run docs:configuration)', () => {
  const committed = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(committed, configurationDocument());
});

test('every key has a variable and a YAML name of its own, and a description', () => {
  assert.equal(new Set(settings.map((setting) => setting.env)).size, settings.length);
  assert.equal(new Set(settings.map((setting) => setting.yamlPath)).size, settings.length);
  for (const { env, description } of settings) {
    assert.match(env, /^[A-Z][A-Z0-9_]+$/);
    assert.match(description, /\S.*\.$/, env);
  }
});
