/**
 * Groups of a Parquet file that are marked as variants are read as the columns that they have: DuckDB takes a marked one apart itself, which
 * loses nanoseconds, and ends the process where values lie in one another ten thousand times.
 *
 * The mark is a member of a union that readers pass over where they do not know it (parquet.thrift, `LogicalType`), and the footer is
 * written in Thrift's compact protocol. So the mark's number in the local copy becomes one that means nothing.
 */
import { CompactThrift, thriftTypes } from "./compact-thrift.ts";

/** `FileMetaData.schema`, `SchemaElement.logicalType` and `LogicalType.VARIANT`. */
const [schemaField, logicalTypeField, variantField] = [2, 10, 16] as const;
/** A number in zigzag, as a field's header has it after its type. */
const variantNumber = 2 * variantField;

/** What the marks' number becomes. */
export const unknownNumber = 2 * 63;

/** Where in a footer the numbers of the marks are. Throws DATA_ERROR for a footer that cannot be read. */
export function variantMarks(footer: Buffer): readonly number[] {
  if (!footer.includes(Buffer.of(thriftTypes.struct, variantNumber))) return [];
  const marks: number[] = [];
  const thrift = new CompactThrift(footer);
  thrift.fields((id, type) => {
    if (id !== schemaField || type !== thriftTypes.list) return thrift.skip(type);
    const { count, type: element } = thrift.listHeader();
    for (let index = 0; index < count; index++) {
      if (element !== thriftTypes.struct) thrift.skip(element);
      else
        thrift.fields((inner, innerType) => {
          if (inner !== logicalTypeField || innerType !== thriftTypes.struct) return thrift.skip(innerType);
          thrift.fields((member, memberType) => {
            if (member === variantField && memberType === thriftTypes.struct) marks.push(thrift.position - 1);
            thrift.skip(memberType);
          });
        });
    }
  });
  return marks;
}
