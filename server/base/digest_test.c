/* digest_test.c - SHA-256 and HMAC against the vectors of FIPS 180-2 and RFC 4231. */
#include "base/testing.h"

#include "base/digest.h"

static void test_sha256(void **state)
{
    (void)state;
    char text[TIDE_DIGEST_TEXT];
    tide_digest_sha256("", 0, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    tide_digest_sha256("abc", 3, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tide_digest_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, text);
    assert_string_equal(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_hmac(void **state)
{
    (void)state;
    char text[TIDE_DIGEST_TEXT], key[131];
    tide_digest_hmac("Jefe", 4, "what do ya want for nothing?", 28, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key); /* longer than a block: it is hashed first */
    tide_digest_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                     text);
    assert_string_equal(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
