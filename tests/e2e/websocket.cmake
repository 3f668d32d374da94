# WebSocket to the byte, against eio-echo.
foreach(topic handshake frames messages close deflate)
	stoa_e2e_test(websocket-${topic} 120)
endforeach()

# Under valgrind: the release build only, since a sanitized one cannot be run by it.
if(NOT STOA_SANITIZE AND NOT STOA_FUZZ)
	foreach(part units websocket gateway)
		add_test(NAME valgrind/${part} COMMAND ${CMAKE_SOURCE_DIR}/tests/valgrind.sh ${part} ${CMAKE_BINARY_DIR})
		set_tests_properties(valgrind/${part} PROPERTIES LABELS valgrind TIMEOUT 1500 PROCESSORS 2)
	endforeach()
	set_tests_properties(valgrind/units PROPERTIES COST 250)
endif()
