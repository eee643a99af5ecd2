-- Which version of the schema this database has. api/schema.py holds the number that the code wants.
CREATE TABLE schema_version (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
