import type { SQLiteColumn, SQLiteTableWithColumns } from 'drizzle-orm/sqlite-core'

/** What a column is declared to be. */
interface Declared {
  readonly is: number | string | Uint8Array
  readonly null?: true
  readonly key?: true
  readonly generated?: true
}

type Has<C extends Declared, Property extends keyof Declared> = C[Property] extends true ? true : false

type Column<TableName extends string, Name extends string, C extends Declared> = SQLiteColumn<
  {
    name: Name
    tableName: TableName
    dataType: C['is'] extends number ? 'number' : 'string'
    columnType: C['is'] extends number ? 'SQLiteInteger' : 'SQLiteText'
    data: C['is']
    driverParam: C['is']
    notNull: C['null'] extends true ? false : true
    hasDefault: Has<C, 'generated'>
    isPrimaryKey: Has<C, 'key'>
    isAutoincrement: false
    hasRuntimeDefault: false
    enumValues: C['is'] extends number ? undefined : [string, ...string[]]
    baseColumn: never
    identity: undefined
    generated: undefined
  },
  Record<never, never>,
  C['is'] extends number ? Record<never, never> : { length: number | undefined }
>

/**
 * A drizzle table by its columns: the key in code, the name in the database, what it holds. Written out, since a public
 * type that has to be inferred makes every consumer's type check slow.
 */
export type Table<Name extends string, Columns extends Record<string, Declared & { readonly name: string }>> =
  SQLiteTableWithColumns<{
    name: Name
    schema: undefined
    columns: { [Key in keyof Columns]: Column<Name, Columns[Key]['name'], Columns[Key]> }
    dialect: 'sqlite'
  }>
