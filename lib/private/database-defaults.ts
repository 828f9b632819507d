/** Name of the database and of the schema in it. */
export const DATABASE_NAME = 'letta';
/** PostgreSQL's own port. */
export const DATABASE_PORT = 5432;
