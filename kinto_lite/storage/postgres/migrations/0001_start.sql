-- What is stored, the same as in the SQLite engine. There are no foreign keys: whoever writes
-- below a list has locked the list's row first, so nothing can vanish meanwhile, and a tree is
-- deleted by a few statements instead of a trigger for each row.

-- The number of the last migration.
CREATE TABLE kinto_lite_schema_version (
    version integer NOT NULL
);
INSERT INTO kinto_lite_schema_version (version) VALUES (0);

-- A unique index refuses values of more than 2,700 bytes: it holds this instead. Whoever looks
-- something up compares the whole value, too.
CREATE FUNCTION kinto_short(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(given) <= 800 THEN given ELSE left(given, 200) || md5(given) END
$$;

-- Every name of a permission, and every need, as a number: (kind, name).
CREATE TABLE permission_name (
    key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    UNIQUE (kind, name)
);

-- Who inherits what: a stored permission `granted_by` meets the need `need`. Written at start
-- from permissions/tree.py.
CREATE TABLE inheritance (
    granted_by integer NOT NULL,
    need integer NOT NULL,
    PRIMARY KEY (granted_by, need)
);

-- How the needs that somebody has on an object of a kind are shown in the list of permissions.
-- Written at start from permissions/tree.py.
CREATE TABLE permission_entry (
    kind text COLLATE "C" NOT NULL,
    need integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (need, kind, name)
);

-- The kinds this database has lists for. The objects of a derived kind are computed from others.
CREATE TABLE kind (
    name text COLLATE "C" PRIMARY KEY,
    is_derived boolean NOT NULL
);

-- Secrets and other small texts of the server itself.
CREATE TABLE secret (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Page tokens of plural DELETE that were issued and not used yet; `expires` is in milliseconds.
CREATE TABLE nonce (
    value text COLLATE "C" PRIMARY KEY,
    expires bigint NOT NULL
);

CREATE TABLE principal (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX principal_by_name ON principal (kinto_short(name));

-- A plural endpoint: all objects of one kind below one parent. `last_modified` is 0 until the
-- list is first used; `live_count` is exact, kept by the same transaction as the change;
-- `is_indexed` says that there are rows in field_index. Whoever writes below it locks its row:
-- there is room on the page, so that changing it moves nothing.
CREATE TABLE list (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    parent_uri text COLLATE "C" NOT NULL,
    parent bigint,
    grandparent bigint,
    last_modified bigint NOT NULL DEFAULT 0,
    live_count bigint NOT NULL DEFAULT 0 CHECK (live_count >= 0),
    is_indexed boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX list_by_place ON list (kinto_short(parent_uri), kind);
CREATE INDEX list_by_parent ON list (parent);

-- Objects and tombstones. `data` is compact JSON without id and last_modified, which is what
-- clients read back; `fields` is the same for filters and sorting, see texts.py.
CREATE TABLE object (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    last_modified bigint NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    data text COLLATE "C" NOT NULL,
    fields jsonb NOT NULL
);
CREATE UNIQUE INDEX object_by_id ON object (list, kinto_short(id));
CREATE INDEX object_by_time ON object (list, deleted, last_modified, key);

-- Indexes on fields of the objects of a list. `built_to` is the last object that was put in,
-- null when all are.
CREATE TABLE field_index (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list bigint NOT NULL,
    field text COLLATE "C" NOT NULL,
    built_to bigint,
    UNIQUE (list, field)
);
CREATE INDEX field_index_to_build ON field_index (key) WHERE built_to IS NOT NULL;

-- The entries of these indexes, for live objects: three parts of a value, in the order in which
-- values are sorted.
CREATE TABLE field_value (
    field bigint NOT NULL,
    rank smallint NOT NULL,
    number numeric NOT NULL,
    text text COLLATE "C" NOT NULL,
    last_modified bigint NOT NULL,
    object bigint NOT NULL,
    PRIMARY KEY (field, rank, number, text, last_modified, object)
);
CREATE INDEX field_value_by_object ON field_value (object);

-- Stored permissions, found from both ends: by object, and by principal and list.
CREATE TABLE permission (
    object bigint NOT NULL,
    principal bigint NOT NULL,
    name integer NOT NULL,
    list bigint NOT NULL,
    PRIMARY KEY (object, principal, name)
);
CREATE INDEX permission_by_principal ON permission (principal, list);

-- Who is in which group. `group_principal` is the group's URI as a principal.
CREATE TABLE membership (
    member bigint NOT NULL,
    group_key bigint NOT NULL,
    group_principal bigint NOT NULL,
    PRIMARY KEY (member, group_key)
);
CREATE INDEX membership_by_group ON membership (group_key);

-- Who is shown the permissions of an object: those who are on its own `write` list.
CREATE VIEW permission_reader AS
SELECT permission.object AS object, permission.principal AS principal
FROM permission
JOIN permission_name ON permission_name.key = permission.name
WHERE permission_name.name = 'write';

-- The one rule of authorisation: this principal has this need on this object (or, for the
-- objects below it, through this object), because of that stored permission.
CREATE VIEW authority AS
SELECT
    permission.object AS object,
    permission.list AS list,
    permission.principal AS principal,
    inheritance.need AS need,
    permission.name AS granted_by
FROM permission
JOIN inheritance ON inheritance.granted_by = permission.name;

-- A text as a JSON string: in ASCII only, or with its characters as they are. Texts that
-- texts.py has changed show what they were.
CREATE FUNCTION kinto_quote(given text, is_ascii boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    quoted text := to_json(given)::text;
BEGIN
    quoted := replace(quoted, '\u0001\u0002\u0002', '\u0000');
    quoted := replace(quoted, '\u0001\u0002\u0003', '\u0001');
    quoted := replace(quoted, '\u0001\u0003\u0002', '\u0002');
    quoted := replace(quoted, '\u0001\u0003\u0003', '\u0003');
    IF NOT is_ascii OR quoted !~ '[^ -~]' THEN
        RETURN quoted;
    END IF;
    RETURN (
        SELECT string_agg(
            CASE
                WHEN letter.code < 127 THEN chr(letter.code)
                WHEN letter.code < 65536 THEN '\u' || lpad(to_hex(letter.code), 4, '0')
                ELSE '\u' || to_hex(55296 + (letter.code - 65536) / 1024)
                    || '\u' || to_hex(56320 + (letter.code - 65536) % 1024)
            END,
            '' ORDER BY letter.place
        )
        FROM (
            SELECT ascii(one) AS code, place
            FROM string_to_table(quoted, NULL) WITH ORDINALITY AS split (one, place)
        ) AS letter
    );
END
$$;

-- A number as JSON. `is_canonical`: equal numbers give equal texts, as Python writes them.
CREATE FUNCTION kinto_write_number(given jsonb, is_canonical boolean) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN NOT is_canonical THEN given::text
        WHEN number = trunc(number) THEN trunc(number)::text
        WHEN abs(number) < 0.0001 THEN number::double precision::text
        ELSE trim_scale(number)::text
    END
    FROM (SELECT (given #>> '{}')::numeric AS number) AS value
$$;

-- A value as compact JSON. `is_canonical`: equal values give equal texts, in ASCII, with sorted
-- keys; else characters are as they are.
CREATE FUNCTION kinto_write(given jsonb, is_canonical boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    CASE jsonb_typeof(given)
        WHEN 'object' THEN
            RETURN '{' || coalesce((
                SELECT string_agg(
                    kinto_quote(key, is_canonical) || ':' || kinto_write(value, is_canonical),
                    ',' ORDER BY key COLLATE "C"
                )
                FROM jsonb_each(given)
            ), '') || '}';
        WHEN 'array' THEN
            RETURN '[' || coalesce((
                SELECT string_agg(kinto_write(item, is_canonical), ',' ORDER BY place)
                FROM jsonb_array_elements(given) WITH ORDINALITY AS items (item, place)
            ), '') || ']';
        WHEN 'string' THEN
            RETURN kinto_quote(given #>> '{}', is_canonical);
        WHEN 'number' THEN
            RETURN kinto_write_number(given, is_canonical);
        ELSE
            RETURN given::text;
    END CASE;
END
$$;

-- A text whose order is the order of arrays, or of objects: by size, then by content. Equal
-- values have equal texts.
CREATE FUNCTION kinto_order(given jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size bigint;
BEGIN
    IF jsonb_typeof(given) = 'array' THEN
        size := jsonb_array_length(given);
    ELSE
        size := (SELECT count(*) FROM jsonb_object_keys(given));
    END IF;
    RETURN lpad(size::text, 10, '0') || kinto_write(given, true);
END
$$;

-- A text without letter case, as Python's `str.casefold` gives it: the same on every server,
-- whatever its locale. Most texts are ASCII, most others Latin-1.
CREATE FUNCTION kinto_fold(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    folded text := lower(given COLLATE "C");
    pair text[];
BEGIN
    IF octet_length(given) = length(given) THEN
        RETURN folded;
    END IF;
    IF folded !~ '[^\u0001-\u00ff]' THEN
        RETURN replace(translate(folded, 'µÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ', 'μàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ'), 'ß', 'ss');
    END IF;
    folded := translate(
        folded,
            'µÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĲĴĶĹĻĽĿŁŃ'
            'ŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽſƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƠƢƤƦƧƩƬƮƯƱƲƳƵƷ'
            'ƸƼǄǅǇǈǊǋǍǏǑǓǕǗǙǛǞǠǢǤǦǨǪǬǮǱǲǴǶǷǸǺǼǾȀȂȄȆȈȊȌȎȐȒȔȖȘȚȜȞȠȢȤȦȨȪȬȮȰȲȺȻȽȾ'
            'ɁɃɄɅɆɈɊɌɎͅͰͲͶͿΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫςϏϐϑϕϖϘϚϜϞϠϢϤϦϨϪϬ'
            'ϮϰϱϴϵϷϹϺϽϾϿЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨ'
            'ѪѬѮѰѲѴѶѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӁӃӅӇӉӋӍӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰ'
            'ӲӴӶӸӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑ'
            'ՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀჁჂჃჄჅჇჍᏸᏹᏺᏻᏼᏽᲀᲁᲂᲃᲄᲅᲆᲇᲈᲐᲑᲒᲓ'
            'ᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿḀḂḄḆḈḊḌḎḐḒḔḖḘḚḜḞḠḢḤḦḨḪ'
            'ḬḮḰḲḴḶḸḺḼḾṀṂṄṆṈṊṌṎṐṒṔṖṘṚṜṞṠṢṤṦṨṪṬṮṰṲṴṶṸṺṼṾẀẂẄẆẈẊẌẎẐẒẔẛẠẢẤẦẨẪẬẮẰẲ'
            'ẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸỺỼỾἈἉἊἋἌἍἎἏἘἙἚἛἜἝἨἩἪἫἬἭἮἯἸἹἺἻ'
            'ἼἽἾἿὈὉὊὋὌὍὙὛὝὟὨὩὪὫὬὭὮὯᾸᾹᾺΆιῈΈῊΉῘῙῚΊῨῩῪΎῬῸΌῺΏΩKÅℲⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅬⅭⅮⅯ'
            'ↃⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤ'
            'ⰥⰦⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠⱢⱣⱤⱧⱩⱫⱭⱮⱯⱰⱲⱵⱾⱿⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊ'
            'ⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺ'
            'ꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝽꝾꞀꞂꞄꞆꞋꞍꞐꞒꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞪꞫꞬꞭꞮꞰꞱꞲꞳꞴꞶꞸꞺꞼꞾꟀ'
            'ꟂꟄꟅꟆꟇꟉꟐꟖꟘꟵꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥ'
            'ꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋'
            '𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓𐐔𐐕𐐖𐐗𐐘𐐙𐐚𐐛𐐜𐐝𐐞𐐟𐐠𐐡𐐢𐐣𐐤𐐥𐐦𐐧𐒰𐒱𐒲𐒳𐒴𐒵𐒶𐒷𐒸𐒹𐒺𐒻𐒼𐒽𐒾𐒿𐓀𐓁𐓂𐓃𐓄𐓅𐓆𐓇𐓈𐓉𐓊𐓋𐓌𐓍𐓎𐓏𐓐𐓑𐓒𐓓'
            '𐕰𐕱𐕲𐕳𐕴𐕵𐕶𐕷𐕸𐕹𐕺𐕼𐕽𐕾𐕿𐖀𐖁𐖂𐖃𐖄𐖅𐖆𐖇𐖈𐖉𐖊𐖌𐖍𐖎𐖏𐖐𐖑𐖒𐖔𐖕𐲀𐲁𐲂𐲃𐲄𐲅𐲆𐲇𐲈𐲉𐲊𐲋𐲌𐲍𐲎𐲏𐲐𐲑𐲒𐲓𐲔𐲕𐲖𐲗𐲘𐲙𐲚𐲛𐲜'
            '𐲝𐲞𐲟𐲠𐲡𐲢𐲣𐲤𐲥𐲦𐲧𐲨𐲩𐲪𐲫𐲬𐲭𐲮𐲯𐲰𐲱𐲲𑢠𑢡𑢢𑢣𑢤𑢥𑢦𑢧𑢨𑢩𑢪𑢫𑢬𑢭𑢮𑢯𑢰𑢱𑢲𑢳𑢴𑢵𑢶𑢷𑢸𑢹𑢺𑢻𑢼𑢽𑢾𑢿𖹀𖹁𖹂𖹃𖹄𖹅𖹆𖹇𖹈𖹉'
            '𖹊𖹋𖹌𖹍𖹎𖹏𖹐𖹑𖹒𖹓𖹔𖹕𖹖𖹗𖹘𖹙𖹚𖹛𖹜𖹝𖹞𖹟𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡',
            'μàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĳĵķĺļľŀłń'
            'ņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷÿźżžsɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵơƣƥʀƨʃƭʈưʊʋƴƶʒ'
            'ƹƽǆǆǉǉǌǌǎǐǒǔǖǘǚǜǟǡǣǥǧǩǫǭǯǳǳǵƕƿǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȝȟƞȣȥȧȩȫȭȯȱȳⱥȼƚⱦ'
            'ɂƀʉʌɇɉɋɍɏιͱͳͷϳάέήίόύώαβγδεζηθικλμνξοπρστυφχψωϊϋσϗβθφπϙϛϝϟϡϣϥϧϩϫϭ'
            'ϯκρθεϸϲϻͻͼͽѐёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцчшщъыьэюяѡѣѥѧѩ'
            'ѫѭѯѱѳѵѷѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӂӄӆӈӊӌӎӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱ'
            'ӳӵӷӹӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրց'
            'ւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠⴡⴢⴣⴤⴥⴧⴭᏰᏱᏲᏳᏴᏵвдосттъѣꙋაბგდ'
            'ევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫ'
            'ḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕṡạảấầẩẫậắằẳ'
            'ẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹỻỽỿἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳ'
            'ἴἵἶἷὀὁὂὃὄὅὑὓὕὗὠὡὢὣὤὥὦὧᾰᾱὰάιὲέὴήῐῑὶίῠῡὺύῥὸόὼώωkåⅎⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻⅼⅽⅾⅿ'
            'ↄⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙⓚⓛⓜⓝⓞⓟⓠⓡⓢⓣⓤⓥⓦⓧⓨⓩⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔ'
            'ⱕⱖⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡɫᵽɽⱨⱪⱬɑɱɐɒⱳⱶȿɀⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋ'
            'ⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻ'
            'ꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼᵹꝿꞁꞃꞅꞇꞌɥꞑꞓꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩɦɜɡɬɪʞʇʝꭓꞵꞷꞹꞻꞽꞿꟁ'
            'ꟃꞔʂᶎꟈꟊꟑꟗꟙꟶᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕ'
            'ᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ𐐨𐐩𐐪𐐫𐐬𐐭𐐮𐐯𐐰𐐱𐐲𐐳'
            '𐐴𐐵𐐶𐐷𐐸𐐹𐐺𐐻𐐼𐐽𐐾𐐿𐑀𐑁𐑂𐑃𐑄𐑅𐑆𐑇𐑈𐑉𐑊𐑋𐑌𐑍𐑎𐑏𐓘𐓙𐓚𐓛𐓜𐓝𐓞𐓟𐓠𐓡𐓢𐓣𐓤𐓥𐓦𐓧𐓨𐓩𐓪𐓫𐓬𐓭𐓮𐓯𐓰𐓱𐓲𐓳𐓴𐓵𐓶𐓷𐓸𐓹𐓺𐓻'
            '𐖗𐖘𐖙𐖚𐖛𐖜𐖝𐖞𐖟𐖠𐖡𐖣𐖤𐖥𐖦𐖧𐖨𐖩𐖪𐖫𐖬𐖭𐖮𐖯𐖰𐖱𐖳𐖴𐖵𐖶𐖷𐖸𐖹𐖻𐖼𐳀𐳁𐳂𐳃𐳄𐳅𐳆𐳇𐳈𐳉𐳊𐳋𐳌𐳍𐳎𐳏𐳐𐳑𐳒𐳓𐳔𐳕𐳖𐳗𐳘𐳙𐳚𐳛𐳜'
            '𐳝𐳞𐳟𐳠𐳡𐳢𐳣𐳤𐳥𐳦𐳧𐳨𐳩𐳪𐳫𐳬𐳭𐳮𐳯𐳰𐳱𐳲𑣀𑣁𑣂𑣃𑣄𑣅𑣆𑣇𑣈𑣉𑣊𑣋𑣌𑣍𑣎𑣏𑣐𑣑𑣒𑣓𑣔𑣕𑣖𑣗𑣘𑣙𑣚𑣛𑣜𑣝𑣞𑣟𖹠𖹡𖹢𖹣𖹤𖹥𖹦𖹧𖹨𖹩'
            '𖹪𖹫𖹬𖹭𖹮𖹯𖹰𖹱𖹲𖹳𖹴𖹵𖹶𖹷𖹸𖹹𖹺𖹻𖹼𖹽𖹾𖹿𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃'
    );
    IF folded ~ ('[ßİŉǰΐΰևẖẗẘẙẚẞὐὒὔὖᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟᾠᾡᾢᾣᾤᾥᾦᾧᾨᾩᾪᾫᾬᾭ'
            'ᾮᾯᾲᾳᾴᾶᾷᾼῂῃῄῆῇῌῒΐῖῗῢΰῤῦῧῲῳῴῶῷῼﬀﬁﬂﬃﬄﬅﬆﬓﬔﬕﬖﬗ]' COLLATE "C") THEN
        FOREACH pair SLICE 1 IN ARRAY ARRAY[
            ['ß', 'ss'], ['İ', 'i̇'], ['ŉ', 'ʼn'], ['ǰ', 'ǰ'], ['ΐ', 'ΐ'],
            ['ΰ', 'ΰ'], ['և', 'եւ'], ['ẖ', 'ẖ'], ['ẗ', 'ẗ'], ['ẘ', 'ẘ'],
            ['ẙ', 'ẙ'], ['ẚ', 'aʾ'], ['ẞ', 'ss'], ['ὐ', 'ὐ'], ['ὒ', 'ὒ'],
            ['ὔ', 'ὔ'], ['ὖ', 'ὖ'], ['ᾀ', 'ἀι'], ['ᾁ', 'ἁι'], ['ᾂ', 'ἂι'],
            ['ᾃ', 'ἃι'], ['ᾄ', 'ἄι'], ['ᾅ', 'ἅι'], ['ᾆ', 'ἆι'], ['ᾇ', 'ἇι'],
            ['ᾈ', 'ἀι'], ['ᾉ', 'ἁι'], ['ᾊ', 'ἂι'], ['ᾋ', 'ἃι'], ['ᾌ', 'ἄι'],
            ['ᾍ', 'ἅι'], ['ᾎ', 'ἆι'], ['ᾏ', 'ἇι'], ['ᾐ', 'ἠι'], ['ᾑ', 'ἡι'],
            ['ᾒ', 'ἢι'], ['ᾓ', 'ἣι'], ['ᾔ', 'ἤι'], ['ᾕ', 'ἥι'], ['ᾖ', 'ἦι'],
            ['ᾗ', 'ἧι'], ['ᾘ', 'ἠι'], ['ᾙ', 'ἡι'], ['ᾚ', 'ἢι'], ['ᾛ', 'ἣι'],
            ['ᾜ', 'ἤι'], ['ᾝ', 'ἥι'], ['ᾞ', 'ἦι'], ['ᾟ', 'ἧι'], ['ᾠ', 'ὠι'],
            ['ᾡ', 'ὡι'], ['ᾢ', 'ὢι'], ['ᾣ', 'ὣι'], ['ᾤ', 'ὤι'], ['ᾥ', 'ὥι'],
            ['ᾦ', 'ὦι'], ['ᾧ', 'ὧι'], ['ᾨ', 'ὠι'], ['ᾩ', 'ὡι'], ['ᾪ', 'ὢι'],
            ['ᾫ', 'ὣι'], ['ᾬ', 'ὤι'], ['ᾭ', 'ὥι'], ['ᾮ', 'ὦι'], ['ᾯ', 'ὧι'],
            ['ᾲ', 'ὰι'], ['ᾳ', 'αι'], ['ᾴ', 'άι'], ['ᾶ', 'ᾶ'], ['ᾷ', 'ᾶι'],
            ['ᾼ', 'αι'], ['ῂ', 'ὴι'], ['ῃ', 'ηι'], ['ῄ', 'ήι'], ['ῆ', 'ῆ'],
            ['ῇ', 'ῆι'], ['ῌ', 'ηι'], ['ῒ', 'ῒ'], ['ΐ', 'ΐ'], ['ῖ', 'ῖ'],
            ['ῗ', 'ῗ'], ['ῢ', 'ῢ'], ['ΰ', 'ΰ'], ['ῤ', 'ῤ'], ['ῦ', 'ῦ'],
            ['ῧ', 'ῧ'], ['ῲ', 'ὼι'], ['ῳ', 'ωι'], ['ῴ', 'ώι'], ['ῶ', 'ῶ'],
            ['ῷ', 'ῶι'], ['ῼ', 'ωι'], ['ﬀ', 'ff'], ['ﬁ', 'fi'], ['ﬂ', 'fl'],
            ['ﬃ', 'ffi'], ['ﬄ', 'ffl'], ['ﬅ', 'st'], ['ﬆ', 'st'], ['ﬓ', 'մն'],
            ['ﬔ', 'մե'], ['ﬕ', 'մի'], ['ﬖ', 'վն'], ['ﬗ', 'մխ']
        ] LOOP
            folded := replace(folded, pair[1], pair[2]);
        END LOOP;
    END IF;
    RETURN folded;
END
$$;
