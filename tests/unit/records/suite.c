#include "rig.h"

Suite *suite(void)
{
	TCase *(*const all[])(
		void) = { apps_cases, batches_cases, effects_cases, events_cases, names_cases, states_cases };
	Suite *s = suite_create("records");

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		TCase *cases = all[i]();

		tcase_add_checked_fixture(cases, rig_begin, rig_end);
		suite_add_tcase(s, cases);
	}
	return s;
}
