import {
  type FieldSet,
  fieldsAndMapsOf,
  fieldsOf,
  fieldText,
  fromFieldsV1,
  pathOfField,
  toFieldsV1,
  valueOfField,
} from './field-set.ts';
import { clone, isObject, type JsonObject, objectAt, removeAt, sameJson, setAt, stringAt } from './json.ts';
import { applyConflict, type FieldConflict } from './status.ts';

/** One entry of `metadata.managedFields`. */
interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  time: string;
  fields: FieldSet;
}

function ownersOf(object: JsonObject): Owner[] {
  const entries = objectAt(object, 'metadata').managedFields;
  return (Array.isArray(entries) ? entries : []).map((entry: unknown) => ({
    manager: stringAt(entry, 'manager') ?? '',
    operation: stringAt(entry, 'operation') ?? 'Update',
    apiVersion: stringAt(entry, 'apiVersion') ?? '',
    time: stringAt(entry, 'time') ?? '',
    fields: fromFieldsV1(objectAt(entry, 'fieldsV1')),
  }));
}

function storeOwners(object: JsonObject, owners: readonly Owner[]): void {
  const entries = owners
    .filter((owner) => owner.fields.size > 0)
    .map((owner) => ({
      manager: owner.manager,
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      time: owner.time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(owner.fields),
    }));
  setAt(object, ['metadata', 'managedFields'], entries);
}

export interface Writer {
  readonly manager: string;
  readonly apiVersion: string;
  readonly time: string;
}

/** Ownership after an update, create or plain patch: what changed is the writer's, and nobody else's. */
export function recordUpdate(before: JsonObject | undefined, after: JsonObject, writer: Writer): void {
  const owners = ownersOf(before ?? {});
  const had = fieldsAndMapsOf(before ?? {});
  const has = fieldsAndMapsOf(after);
  const changed = [...has].filter(
    (field) => !had.has(field) || !sameJson(valueOfField(before ?? {}, field), valueOfField(after, field)),
  );
  if (changed.length === 0 && had.size === has.size) {
    storeOwners(after, owners);
    return;
  }
  for (const owner of owners) {
    owner.fields = new Set([...owner.fields].filter((field) => has.has(field) && !changed.includes(field)));
  }
  const own = ownerFor(owners, writer, 'Update');
  own.time = writer.time;
  for (const field of changed) own.fields.add(field);
  storeOwners(after, owners);
}

function ownerFor(owners: Owner[], writer: Writer, operation: string): Owner {
  const found = owners.find((owner) => owner.manager === writer.manager && owner.operation === operation);
  if (found !== undefined) return found;
  const owner = { ...writer, operation, fields: new Set<string>() };
  owners.push(owner);
  return owner;
}

/**
 * Server-side apply: the configuration laid over the live object, what the manager owned and no longer names
 * removed, conflicts refused or taken over. The result has the new `managedFields`.
 */
export function applyConfiguration(
  live: JsonObject | undefined,
  configuration: JsonObject,
  writer: Writer,
  force: boolean,
): JsonObject {
  const owners = ownersOf(live ?? {});
  const own = ownerFor(owners, writer, 'Apply');
  const wanted = fieldsOf(configuration);
  const others = owners.filter((owner) => owner !== own);
  const conflicts = conflictsOf(live ?? {}, configuration, wanted, others);
  if (conflicts.length > 0 && !force) throw applyConflict(conflicts);

  const merged = clone(live ?? {});
  mergeInto(merged, configuration);
  const needed = [wanted, ...others.map((owner) => owner.fields)];
  for (const field of own.fields) {
    if (!needed.some((fields) => holds(fields, field))) removeAt(merged, pathOfField(field));
  }
  if (force) takeOver(live ?? {}, configuration, wanted, others);
  if (!sameSet(own.fields, wanted)) own.time = writer.time;
  own.fields = wanted;
  storeOwners(merged, owners);
  return merged;
}

/** Also a map that was empty when it was owned, and has members by now. */
function holds(fields: FieldSet, field: string): boolean {
  const below = `${field.slice(0, -1)},`;
  return fields.has(field) || [...fields].some((other) => other.startsWith(below));
}

function conflictsOf(
  live: JsonObject,
  configuration: JsonObject,
  wanted: FieldSet,
  others: readonly Owner[],
): FieldConflict[] {
  return others.flatMap((owner) =>
    [...owner.fields]
      .filter((field) => wanted.has(field))
      .filter((field) => !sameJson(valueOfField(live, field), valueOfField(configuration, field)))
      .map((field) => ({
        manager: owner.manager,
        apiVersion: owner.apiVersion,
        operation: owner.operation,
        field: fieldText(field),
      })),
  );
}

function takeOver(
  live: JsonObject,
  configuration: JsonObject,
  wanted: FieldSet,
  others: readonly Owner[],
): void {
  for (const owner of others) {
    owner.fields = new Set(
      [...owner.fields].filter(
        (field) =>
          !wanted.has(field) || sameJson(valueOfField(live, field), valueOfField(configuration, field)),
      ),
    );
  }
}

function mergeInto(target: JsonObject, source: JsonObject): void {
  for (const [key, value] of Object.entries(source)) {
    const present = target[key];
    if (isObject(value) && isObject(present)) mergeInto(present, value);
    else target[key] = clone(value);
  }
}

function sameSet(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && [...a].every((field) => b.has(field));
}
