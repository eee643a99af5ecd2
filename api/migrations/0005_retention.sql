SET LOCAL lock_timeout = '5s';
-- The worker forgets readings that are older than their class keeps them, and can forget none that are young.
DO $$
DECLARE
    class_table text;
BEGIN
    FOR class_table IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'reading\_%' LOOP
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = class_table || '_kept' AND tgrelid = class_table::regclass) THEN
            EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON %I FOR EACH ROW WHEN (old.ts > now() - INTERVAL ''7 days'') '
                           'EXECUTE FUNCTION refuse_change()', class_table || '_kept', class_table);
        END IF;
        EXECUTE format('GRANT DELETE ON %I TO foremend_worker', class_table);
    END LOOP;
END $$;
