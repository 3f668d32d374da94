/* suite.c - the cases of common/app. */
#include "rig.h"
#include "test_main.h"

Suite *suite(void)
{
	Suite *s = suite_create("app");

	suite_add_tcase(s, case_setup());
	suite_add_tcase(s, case_load());
	suite_add_tcase(s, case_events());
	suite_add_tcase(s, case_errors());
	suite_add_tcase(s, case_context());
	suite_add_tcase(s, case_values());
	suite_add_tcase(s, case_unpack());
	suite_add_tcase(s, case_effects());
	suite_add_tcase(s, case_acks());
	suite_add_tcase(s, case_rooms());
	suite_add_tcase(s, case_admission());
	suite_add_tcase(s, case_session());
	suite_add_tcase(s, case_timers());
	suite_add_tcase(s, case_calls());
	suite_add_tcase(s, case_jobs());
	suite_add_tcase(s, case_limits());
	suite_add_tcase(s, case_memory());
	suite_add_tcase(s, case_msgpack());
	suite_add_tcase(s, case_origin());
	return s;
}
