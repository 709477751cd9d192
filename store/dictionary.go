package store

// dictionaryV1 is what metadata is deflated with: what nuspecs say most often,
// the commonest last, since near matches cost least. Names of frameworks,
// ranges and packages have the byte of their length before them, as in the
// encoding. It is part of the stored form and never changes: a better one is a
// new constant with a form byte of its own.
const dictionaryV1 = "" +
	// Words of descriptions and tags, with the blanks around them.
	" serialization deserialization compression encryption authentication authorization middleware localization globalization" +
	" benchmark templates scripting messaging workflow scheduling pipeline streaming networking machine learning" +
	" analyzers analyzer refactoring code generation source generator compiler roslyn diagnostics telemetry metrics tracing" +
	" database SQL Server PostgreSQL MySQL SQLite MongoDB Redis RabbitMQ Kafka Azure AWS Google Cloud storage queue" +
	" dependency injection container IoC configuration options logging caching validation mapping testing mocking assertions" +
	" unit test framework NUnit xUnit MSTest Blazor MAUI Xamarin WPF WinForms UWP Unity Avalonia ASP.NET Core Entity Framework" +
	" JSON XML YAML CSV HTML PDF Excel HTTP REST gRPC GraphQL WebSocket OpenAPI Swagger client SDK API" +
	" async await asynchronous parallel concurrent thread-safe immutable collections extension methods helper utilities" +
	" high performance lightweight low allocation cross-platform easy to use simple fast flexible extensible" +
	" This package provides This package contains Provides classes that Contains types that allow you to Commonly Used Types:\n" +
	" implementation of the abstractions for default implementation used by applications and libraries that can be used to" +
	" is a library for is an open source .NET library for working with support for with a and the of in to from that is on as by or\r\n\r\n" +
	"System.Threading.Tasks.System.Collections.Generic.System.IO.System.Linq.System.Net.Http." +
	// Dependencies.
	"\x16Microsoft.CodeAnalysis\x1dMicrosoft.CodeAnalysis.CSharp\x1bMicrosoft.SourceLink.GitHub\x0aAutoMapper\x05Polly\x06Dapper\x07MediatR" +
	"\x10FluentValidation\x05NUnit\x05xunit\x03Moq\x0fGoogle.Protobuf\x0fGrpc.Net.Client\x0aAzure.Core\x0eAzure.Identity" +
	"\x1dMicrosoft.EntityFrameworkCore\x28Microsoft.EntityFrameworkCore.Relational\x18Microsoft.Data.SqlClient\x10Microsoft.CSharp" +
	"\x21System.ComponentModel.Annotations\x2aSystem.Security.Cryptography.ProtectedData\x1dSystem.Security.AccessControl" +
	"\x29System.Configuration.ConfigurationManager\x15System.Drawing.Common\x0fSystem.Reactive\x1cSystem.Collections.Immutable" +
	"\x1aSystem.Reflection.Metadata\x22System.Reflection.Emit.Lightweight\x16System.Reflection.Emit\x1bSystem.Diagnostics.EventLog" +
	"\x13System.IO.Pipelines\x0fSystem.Net.Http\x11System.ValueTuple\x17System.Numerics.Vectors\x19System.Text.Encodings.Web" +
	"\x1eSystem.Text.Encoding.CodePages\x1eSystem.Text.RegularExpressions\x07Serilog\x13NETStandard.Library\x09[1.6.1, )\x09[2.0.3, )" +
	"\x2fMicrosoft.Extensions.Configuration.Abstractions\x29Microsoft.Extensions.Configuration.Binder\x1cMicrosoft.Extensions.Hosting" +
	"\x19Microsoft.Extensions.Http\x23Microsoft.Extensions.Caching.Memory\x1fMicrosoft.Extensions.Primitives\x1cMicrosoft.Extensions.Options" +
	"\x1cMicrosoft.Extensions.Logging\x29Microsoft.Extensions.Logging.Abstractions\x28Microsoft.Extensions.DependencyInjection" +
	"\x35Microsoft.Extensions.DependencyInjection.Abstractions\x0fNewtonsoft.Json\x0a[13.0.1, )\x0a[13.0.3, )\x10System.Text.Json" +
	"\x23System.Diagnostics.DiagnosticSource\x26System.Runtime.CompilerServices.Unsafe\x21System.Threading.Tasks.Extensions" +
	"\x19System.Threading.Channels\x1dMicrosoft.Bcl.AsyncInterfaces\x0eSystem.Buffers\x0dSystem.Memory\x09[4.7.0, )\x09[4.3.0, )" +
	"\x09[4.5.0, )\x09[4.5.1, )\x09[4.5.4, )\x09[4.5.5, )\x09[5.0.0, )\x09[6.0.0, )\x09[7.0.0, )\x0a[10.0.0, )\x09[9.0.0, )\x09[8.0.2, )" +
	"\x09[8.0.1, )\x09[8.0.0, )\x09[1.0.0, )\x09[2.0.0, )\x09[3.0.0, )" +
	// Texts of the head: authors, copyrights, addresses, files, licences.
	"Contributors All rights reserved.Copyright (c) 2018 2019 2020 2021 2022 2023 2024 2025 Copyright \xc2\xa9 Inc. and contributors" +
	"\xc2\xa9 Microsoft Corporation. All rights reserved.\x09Microsoft\x05en-US" +
	"https://www.nuget.org/packages/https://raw.githubusercontent.com/master/main/docs/images/icon.pnghttp://www.apache.org/licenses/LICENSE-2.0" +
	"https://go.microsoft.com/fwlink/?LinkId=http://go.microsoft.com/fwlink/?linkid=https://dot.net/https://dev.azure.com/https://gitlab.com/" +
	"https://opensource.org/licenses/MIT" +
	"\x22https://aka.ms/deprecateLicenseUrl\x0cBSD-3-Clause\x07MPL-2.0\x21https://github.com/dotnet/runtime\x08Icon.png\x09readme.md" +
	"\x0edocs\\README.md\x0apackage.md\x08logo.png\x25https://licenses.nuget.org/Apache-2.0\x00\x08icon.png\x09README.md\x00\x0aApache-2.0" +
	"\x1ehttps://licenses.nuget.org/MIT\x08icon.png\x09README.md\x00\x03MIT\x042.12\x00\x03git" +
	"\x03git\x1dhttps://github.com/.git\x04main\x06master" +
	// Types and frameworks.
	"\x01\x0aDotnetTool\x00\x01\x08Template\x00\x01\x0aDependency\x00" +
	"\x05net20\x05net35\x05net40\x05net45\x06net451\x06net452\x05net46\x06net461\x06net462\x05net47\x06net471\x06net472\x05net48\x06net481" +
	"\x0dnetcoreapp2.1\x0dnetcoreapp3.1\x0enetstandard1.0\x0enetstandard1.1\x0enetstandard1.3\x0enetstandard1.6\x11net8.0-windows7.0" +
	"\x0enet6.0-windows\x0dMonoAndroid10\x0dXamarin.iOS10\x07uap10.0\x06native\x06net5.0\x06net7.0\x07net10.0\x06net9.0\x06net6.0" +
	"\x0enetstandard2.1\x0enetstandard2.0\x06net8.0"
